/** What files tell of profiles beyond what lists show; each is a scalar of the surrounding query. */
import { type RawBuilder, sql } from 'kysely';
import { ONCE_PREFIX } from '../core/traits';

/** As many as a profile shows. */
const MAX_ANONYMOUS_IDS = sql.lit(1000);

/** The anonymous IDs that are or were a profile's, as a JSON array; null where there is none. */
export function anonymousIds(workspaceId: string, profileId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select jsonb_agg(its.value)
    from (
      select s.value
      from (
        select ${profileId} as subject_id
        union
        select o.subject_id from ownership o
        where o.workspace_id = ${workspaceId} and o.owner_id = ${profileId}) as owned
      join subject s on s.workspace_id = ${workspaceId} and s.subject_id = owned.subject_id and s.kind = 'anonymous'
      order by s.value
      limit ${MAX_ANONYMOUS_IDS}) as its)`;
}

const ONCE = sql.lit(ONCE_PREFIX);
/** Where the trait's own name begins. */
const AFTER_ONCE = sql.lit(ONCE_PREFIX.length + 1);

/** What merged registers say now, as valuesOf() in core/traits.ts has it; as JSON, for numbers stay as they are stored. */
export function shownTraits(registers: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select coalesce(jsonb_object_agg(
      case when starts_with(key, ${ONCE}) then substr(key, ${AFTER_ONCE}) else key end, value -> 0), '{}')
    from jsonb_each(${registers})
    where value -> 0 <> 'null'
      and not (starts_with(key, ${ONCE}) and jsonb_exists(${registers}, substr(key, ${AFTER_ONCE}))))`;
}
