/** Two years of a shop, made inside Postgres: what the write path would have stored, without taking its time. */
import pg from 'pg';
import { type IdentifierKind, subjectIdOf } from '../../src/core/identifier';
import { copyIn } from '../copy';

export const MONTHS = 24;

export interface ShopSize {
  readonly events: number;
  readonly profiles: number;
}

/** Fills the tables that rules read. Two in five profiles are users with an email and a device, the others devices. */
export async function fillShop(
  { adminUrl, workspaceId }: { readonly adminUrl: string; readonly workspaceId: string },
  { events, profiles }: ShopSize,
): Promise<void> {
  const open = async () => {
    const client = new pg.Client(adminUrl);
    // A statement that fails says so itself; of the other connection nothing is asked then.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(
      "select set_config('throughline.workspace', $1, false), set_config('jit', 'off', false)",
      [workspaceId],
    );
    return client;
  };
  // As many as there are cores on the smallest machine that is spoken of.
  const clients = [await open(), await open()] as const;
  const [first] = clients;
  try {
    await first.query(
      `select ensure_event_partitions((now() - $1 * interval '1 month')::date, ${MONTHS + 3})`,
      [MONTHS],
    );
    await addPeople(first, { workspaceId, profiles });
    let month = 0;
    await Promise.all(
      clients.map(async (client) => {
        while (month < MONTHS) {
          await addMonth(client, {
            workspaceId,
            profiles,
            month: month++,
            events: Math.round(events / MONTHS),
          });
        }
      }),
    );
    for (const statement of SUM_UP) await first.query(statement, [workspaceId]);
    await first.query('drop table bench_person');
    await first.query('vacuum analyze');
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

const ROWS_AT_ONCE = 50_000;
export const isUser = (n: number): boolean => n % 5 < 2;

async function addPeople(
  client: pg.Client,
  { workspaceId, profiles }: { readonly workspaceId: string; readonly profiles: number },
): Promise<void> {
  const idOf = (kind: IdentifierKind, value: string) => subjectIdOf(workspaceId, { kind, value });
  await client.query(
    'create unlogged table bench_person (n integer primary key, device_id uuid, user_id uuid, email_id uuid)',
  );
  for (let from = 0; from < profiles; from += ROWS_AT_ONCE) {
    let text = '';
    for (let n = from; n < Math.min(profiles, from + ROWS_AT_ONCE); n += 1) {
      const named = isUser(n)
        ? `${idOf('user', `user-${n}`)}\t${idOf('email', `user-${n}@x.test`)}`
        : '\\N\t\\N';
      text += `${n}\t${idOf('anonymous', `device-${n}`)}\t${named}\n`;
    }
    await copyIn(client, 'copy bench_person from stdin', [Buffer.from(text)]);
  }
  await client.query('analyze bench_person');
  for (const statement of INTRODUCE) await client.query(statement, [workspaceId]);
}

const BEGIN = `now() - ${MONTHS + 1} * interval '1 month'`;
const INTRODUCE = [
  `insert into subject (workspace_id, subject_id, kind, value)
   select $1::uuid, device_id, 'anonymous', 'device-' || n from bench_person
   union all select $1::uuid, user_id, 'user', 'user-' || n from bench_person where user_id is not null
   union all select $1::uuid, email_id, 'email', 'user-' || n || '@x.test' from bench_person where user_id is not null`,
  `insert into claim (workspace_id, weaker_id, from_at, message_id, stronger_id)
   select $1::uuid, weaker_id, ${BEGIN}, gen_random_uuid(), user_id
   from bench_person cross join lateral (values (device_id), (email_id)) as its (weaker_id)
   where user_id is not null`,
  `insert into ownership (workspace_id, subject_id, from_at, to_at, target_id, owner_id)
   select workspace_id, weaker_id, '-infinity', 'infinity', stronger_id, stronger_id from claim where workspace_id = $1`,
];

/**
 * Events of a month, in order, since that is how they arrive. Some profiles have many times as many as others; of a
 * user's events three in ten are of the device before it signed in.
 */
async function addMonth(
  client: pg.Client,
  {
    workspaceId,
    profiles,
    month,
    events,
  }: {
    readonly workspaceId: string;
    readonly profiles: number;
    readonly month: number;
    readonly events: number;
  },
): Promise<void> {
  await client.query(
    `insert into event (workspace_id, received_at, message_id, source_id, type, name, subject_id, user_id, anonymous_id,
       occurred_at, original_timestamp, sent_at, properties, context)
     select $1::uuid, at, gen_random_uuid(), $1::uuid, case when kind < 0.6 then 'page' else 'track' end,
       case when kind < 0.6 then null when kind < 0.85 then 'Product Viewed' when kind < 0.95 then 'Cart Viewed'
         else 'Order Completed' end,
       case when is_user then p.user_id else p.device_id end, case when is_user then 'user-' || p.n end,
       'device-' || p.n, at, at, at,
       case when kind < 0.6 then jsonb_build_object('path', '/products/' || (p.n % 500), 'title', 'A product',
           'url', 'https://shop.test/products/' || (p.n % 500))
         when kind < 0.85 then jsonb_build_object('product_id', 'p-' || (p.n % 500), 'price', amount)
         when kind < 0.95 then jsonb_build_object('cart_id', 'c-' || floor(amount), 'value', amount)
         else jsonb_build_object('order_id', gen_random_uuid(), 'cart_id', 'c-' || floor(amount), 'revenue', amount,
           'currency', 'USD') end,
       $5::jsonb
     from (
       select now() - interval '1 month' * ($2::integer - $3::integer - random()) as at, random() as kind, random() < 0.7 as asks,
         floor($4::integer * power(random(), 1.5))::integer as who, round((random() * 120)::numeric, 2) as amount
       from generate_series(1, $6::integer)) as made
     join bench_person p on p.n = made.who
     cross join lateral (select made.asks and p.user_id is not null as is_user) as its
     order by at`,
    [workspaceId, MONTHS, month, profiles, JSON.stringify(CONTEXT), events],
  );
}

const CONTEXT = {
  ip: null,
  locale: 'en-GB',
  timezone: 'Europe/London',
  userAgent: 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36',
  library: { name: 'throughline', version: '0.1.0' },
  page: { url: 'https://shop.test/products/1', path: '/products/1', title: 'A product', referrer: '' },
  screen: { width: 1440, height: 900, density: 2 },
};

const OWNED = `
  from event e left join ownership o on o.workspace_id = e.workspace_id and o.subject_id = e.subject_id
  where e.workspace_id = $1`;
const SUM_UP = [
  `insert into profile_part (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour,
     event_count, page_count, order_count, traits)
   select $1::uuid, coalesce(o.owner_id, e.subject_id), e.subject_id, min(e.occurred_at), max(e.occurred_at),
     date_trunc('hour', max(e.occurred_at), 'UTC'), count(*), count(*) filter (where e.type = 'page'),
     count(*) filter (where e.name = 'Order Completed'),
     jsonb_build_object(
       'plan', jsonb_build_array((array['free', 'free', 'free', 'pro', 'team'])[1 + (hashtext(e.subject_id::text) & 3)],
         '2026-01-31T12:00:00.000Z', '00000000-0000-4000-8000-000000000000'),
       'country', jsonb_build_array('GB', '2026-01-31T12:00:00.000Z', '00000000-0000-4000-8000-000000000000'))
   ${OWNED} group by o.owner_id, e.subject_id`,
  `insert into profile_revenue (workspace_id, owner_id, subject_id, currency, amount)
   select $1::uuid, coalesce(o.owner_id, e.subject_id), e.subject_id, 'USD', sum((e.properties ->> 'revenue')::numeric)
   ${OWNED} and e.name = 'Order Completed' group by o.owner_id, e.subject_id`,
];
