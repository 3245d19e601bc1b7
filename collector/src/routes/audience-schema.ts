import { Type } from '@fastify/type-provider-typebox';
import { InstantOut, Nullable } from '../schema';

/** An audience as the API shows it. */
export const AudienceSchema = Type.Object({
  id: Type.String(),
  key: Type.String(),
  name: Type.String(),
  kind: Type.Unsafe<'rule' | 'static'>({ type: 'string', enum: ['rule', 'static'] }),
  rule: Type.Unsafe<unknown>({
    type: ['object', 'null'],
    additionalProperties: true,
    description: 'null: its members are those of a list.',
  }),
  size: Type.Integer(),
  createdAt: InstantOut,
  updatedAt: InstantOut,
  state: Type.Unsafe<'ready' | 'building'>({
    type: 'string',
    enum: ['ready', 'building'],
    description:
      'building: all its members are being found, or are to be; those that it has are from before.',
  }),
  rebuild: Nullable(
    Type.Object(
      {
        startedAt: InstantOut,
        expectedMs: Nullable(
          Type.Integer({
            description: 'How long the last one took; of a first one, the longest of other audiences.',
          }),
        ),
        percent: Nullable(
          Type.Integer({
            minimum: 0,
            maximum: 99,
            description: 'How far it is, estimated by that time; null where it is not known.',
          }),
        ),
      },
      { description: 'The rebuild that runs now.' },
    ),
  ),
  rebuiltAt: Nullable(InstantOut),
  error: Nullable(
    Type.String({
      description: 'Why its members could not be found last; they are those of the last good time.',
    }),
  ),
  nextCheckAt: Nullable(
    Type.Unsafe<Date>({
      type: 'string',
      format: 'date-time',
      description: 'When time alone may change who belongs to it.',
    }),
  ),
  checkedAt: Nullable(InstantOut),
  drift: Nullable(
    Type.Integer({ description: 'How many members the last count from scratch found wrong: 0 is expected.' }),
  ),
  lastChange: Type.String({ description: 'What `changes?since=` takes for all that is to come.' }),
});

/** What a change of members came to. */
export const DifferenceSchema = { size: Type.Integer(), entered: Type.Integer(), exited: Type.Integer() };

export const CauseSchema = Type.String({
  description: 'What led to it: event, clock, rebuild, list or erasure.',
});
