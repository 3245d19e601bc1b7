import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { LAZY_COMPILERS } from '../../src/lazy-schemas';

const build = () => {
  const app = Fastify({ schemaController: { compilersFactory: LAZY_COMPILERS } });
  const answer = { type: 'object', properties: { size: { type: 'integer' } } } as const;
  const body = { type: 'object', required: ['size'], properties: { size: { type: 'integer' } } } as const;
  app.post('/sized', { schema: { body, response: { 200: answer } } }, (request) => ({
    ...(request.body as object),
    secret: 'not in the schema',
  }));
  app.post('/broken', { schema: { body: { type: 'nonsense' } } }, () => 'never');
  return app;
};

describe('a route’s schemas', () => {
  it('are held to as if they had been compiled before the start, at each request', async () => {
    const app = build();
    const send = (payload: object) => app.inject({ method: 'POST', url: '/sized', payload });
    for (let time = 0; time < 2; time += 1) {
      expect((await send({ size: '3' })).json()).toEqual({ size: 3 });
      const { statusCode, body } = await send({ size: 'large' });
      expect([statusCode, JSON.parse(body).message]).toEqual([400, 'body/size must be integer']);
      expect((await send({})).json().message).toBe("body must have required property 'size'");
    }
  });

  it('that make no sense break their own route, and no start', async () => {
    const app = build();
    await app.ready();
    const { statusCode } = await app.inject({ method: 'POST', url: '/broken', payload: { a: 1 } });
    expect(statusCode).toBe(500);
    expect((await app.inject({ method: 'POST', url: '/sized', payload: { size: 1 } })).statusCode).toBe(200);
  });
});
