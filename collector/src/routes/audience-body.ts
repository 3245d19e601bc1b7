import { Type } from '@fastify/type-provider-typebox';
import { isAudienceKey, KEY_PATTERN, keyFromName, MAX_KEY_LENGTH } from '../core/audience-key';
import { isStorableText } from '../core/json-value';
import type { Rule } from '../core/rule';
import { checkRule } from '../core/rule-check';
import { needsOf } from '../core/rule-needs';
import { checkReferences } from '../core/rule-references';
import { listRules } from '../db/audience-readers';
import { ApiError } from '../errors';
import { StrictObject } from '../schema';
import { IdsSchema } from './audience-list';

const MAX_NAME_LENGTH = 200;

const Name = Type.String({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: '\\S' });
const RuleBody = Type.Unknown({
  description:
    'Who belongs to it, e.g. {"event":"Order Completed","agg":"sum","of":"revenue","within":"30d","gte":100}',
});

export const NewAudienceBody = StrictObject({
  name: Name,
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_KEY_LENGTH,
      pattern: KEY_PATTERN,
      description: 'Names the audience in URLs and rules; made from the name where it is left out.',
    }),
  ),
  rule: Type.Optional(RuleBody),
  ids: Type.Optional(IdsSchema),
});

export const ChangedAudienceBody = StrictObject({ name: Type.Optional(Name), rule: Type.Optional(RuleBody) });

interface WantedAudience {
  readonly name: string;
  readonly key: string;
  readonly rule: Rule | null;
  readonly ids: readonly string[] | undefined;
}

/** @throws ApiError invalid_request, invalid_rule */
export function readNewAudience(
  body: {
    readonly name: string;
    readonly key?: string;
    readonly rule?: unknown;
    readonly ids?: readonly string[];
  },
  id: string,
): WantedAudience {
  const name = readName(body.name);
  const key = body.key ?? keyFromName(name, `audience-${id}`);
  if (!isAudienceKey(key)) throw new ApiError('invalid_request', 'The key must not have the form of an ID.');
  if ((body.rule === undefined) === (body.ids === undefined)) {
    throw new ApiError('invalid_request', 'An audience has a rule, or ids: one of the two.');
  }
  return { name, key, rule: body.rule === undefined ? null : readRule(body.rule), ids: body.ids };
}

/** @throws ApiError invalid_request, invalid_rule */
export function readChange(body: { readonly name?: string; readonly rule?: unknown }) {
  return {
    name: body.name === undefined ? undefined : readName(body.name),
    rule: body.rule === undefined ? undefined : readRule(body.rule),
  };
}

function readName(text: string): string {
  const name = text.trim();
  if (isStorableText(name)) return name;
  throw new ApiError('invalid_request', 'The name must not contain NUL or lone surrogates.');
}

function readRule(value: unknown): Rule {
  const checked = checkRule(value);
  if (!checked.ok) throw new ApiError('invalid_rule', undefined, checked.problems);
  return checked.rule;
}

/** @throws ApiError invalid_rule where the rule names audiences that are not there, or itself by way of others */
export async function requireReferences(
  transaction: Parameters<typeof listRules>[0],
  {
    workspaceId,
    key,
    rule,
  }: { readonly workspaceId: string; readonly key: string; readonly rule: Rule | null },
): Promise<void> {
  if (rule === null || needsOf(rule).audiences.length === 0) return;
  const problems = checkReferences(rule, { key, others: await listRules(transaction, workspaceId) });
  if (problems.length > 0) throw new ApiError('invalid_rule', undefined, problems);
}
