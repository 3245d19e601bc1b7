/** The time is over; what was begun ends by itself, and nobody waits for it. */
export class OutOfTime extends Error {}

/** What the work comes to, if it does so in time. @throws OutOfTime, or what the work throws in time */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new OutOfTime('There was no time left.')), Math.max(0, ms));
  });
  // What it says later is said to nobody.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
