import { describe, expect, it } from 'vitest';
import { readConfig, type Config } from '../../src/config';

function read(env: Record<string, string>): Config {
  const result = readConfig(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

function problemsOf(env: Record<string, string>): readonly string[] {
  const result = readConfig(env);
  return result.ok ? [] : result.problems;
}

describe('the settings', () => {
  it('need nothing: an empty environment listens on loopback, port 3000, with a database of our own', () => {
    expect(read({})).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      environment: 'development',
      databaseUrl: undefined,
      dataDir: undefined,
      writeKey: undefined,
      corsOrigins: [],
      shutdownGraceMs: 10_000,
    });
  });

  it('are taken from their variables', () => {
    const config = read({
      PORT: '0',
      DATABASE_URL: 'postgres://user:p%40ss@db.example.com:5432/events?sslmode=require',
      THROUGHLINE_WRITE_KEY: 'pk_0123456789abcdefABCDEFGH',
      THROUGHLINE_CORS_ORIGINS: 'https://app.example.com, http://localhost:5173',
      THROUGHLINE_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8',
    });
    expect(config.port).toBe(0);
    expect(config.databaseUrl).toBe('postgres://user:p%40ss@db.example.com:5432/events?sslmode=require');
    expect(config.writeKey).toBe('pk_0123456789abcdefABCDEFGH');
    expect(config.corsOrigins).toEqual(['https://app.example.com', 'http://localhost:5173']);
    expect(config.trustedProxies).toEqual(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
  });

  it('log requests in production, and only warnings elsewhere, unless told a level', () => {
    expect(read({ NODE_ENV: 'production' }).logLevel).toBe('info');
    expect(read({}).logLevel).toBe('warn');
    expect(read({ NODE_ENV: 'production', THROUGHLINE_LOG_LEVEL: 'silent' }).logLevel).toBe('silent');
  });

  it('report every problem at once', () => {
    expect(
      problemsOf({
        PORT: '99999',
        NODE_ENV: 'staging',
        DATABASE_URL: 'mysql://localhost',
        THROUGHLINE_WRITERS: '2.5',
        THROUGHLINE_WRITEKEY: 'pk_0123456789abcdefABCDEFGH',
        THROUGHLINE_QUEUE_ENGINE: 'nats',
      }),
    ).toEqual([
      'PORT must be a whole number from 0 to 65535, not "99999"',
      'NODE_ENV must be one of development, production, test, not "staging"',
      expect.stringContaining('DATABASE_URL must be a URL like postgres://user:password@host:5432/database'),
      'THROUGHLINE_WRITERS must be a whole number from 1 to 32, not "2.5"',
      'THROUGHLINE_QUEUE_ENGINE is no setting',
      'THROUGHLINE_WRITEKEY is no setting; did you mean THROUGHLINE_WRITE_KEY?',
    ]);
  });

  it.each([
    ['PORT', ''],
    ['PORT', '3000 '],
    ['PORT', '0x10'],
    ['PORT', '-1'],
    ['PORT', '1e3'],
    ['HOST', 'two words'],
    ['THROUGHLINE_DATA_DIR', '  '],
    ['THROUGHLINE_WRITE_KEY', 'pk_short'],
    ['THROUGHLINE_WRITE_KEY', 'sk_0123456789abcdefABCDEFGH'],
    ['THROUGHLINE_SECRET_KEY', 'sk_0123456789abcdef-ABCDEFGH'],
    ['THROUGHLINE_CORS_ORIGINS', '*'],
    ['THROUGHLINE_CORS_ORIGINS', 'https://app.example.com/'],
    ['THROUGHLINE_TRUSTED_PROXIES', 'true'],
    ['THROUGHLINE_TRUSTED_PROXIES', '10.0.0.256'],
    ['THROUGHLINE_TRUSTED_PROXIES', '0.0.0.0/0'],
    ['THROUGHLINE_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['THROUGHLINE_TRUSTED_PROXIES', 'fe80::1%eth0'],
    ['THROUGHLINE_TRUSTED_PROXIES', '10.0.0.1,'],
    ['THROUGHLINE_LOG_LEVEL', 'verbose'],
    ['DATABASE_URL', 'localhost:5432/throughline'],
  ])('never turn a malformed value into the default: %s=%j', (name, text) => {
    expect(problemsOf({ [name]: text })).toEqual([expect.stringMatching(`^${name} must be `)]);
  });

  it('never repeat a secret in a problem', () => {
    const [keyProblem = '', urlProblem = ''] = [
      ...problemsOf({ THROUGHLINE_SECRET_KEY: 'sk_hunter2' }),
      ...problemsOf({ DATABASE_URL: 'postgresq://app:hunter2@localhost/app' }),
    ];
    expect(keyProblem).toContain('sk_ and at least 24 letters or digits');
    expect(urlProblem).toContain('postgres://');
    expect(keyProblem + urlProblem).not.toContain('hunter2');
  });
});
