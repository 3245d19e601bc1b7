import { describe, expect, it } from 'vitest';
import { signWebhook, webhookSecretOf } from '../../src/core/webhook-signature';

describe('a signature', () => {
  it('is that of the Standard Webhooks specification: its own example comes to the same', () => {
    const content = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      at: new Date(1614265330_000),
      body: '{"test": 2432232314}',
    };
    expect(signWebhook(content, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
      'webhook-id': content.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is one of each secret, one after the other', () => {
    const secrets = [1, 2].map((byte) => webhookSecretOf(Buffer.alloc(32, byte)));
    const content = { id: 'id', at: new Date(0), body: '{}' };
    const both = signWebhook(content, secrets)['webhook-signature'].split(' ');
    expect(both).toEqual(secrets.map((secret) => signWebhook(content, [secret])['webhook-signature']));
    expect(both[0]).not.toBe(both[1]);
  });
});
