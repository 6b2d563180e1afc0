/** Who listens to which NOTIFY channel. */
export class Subscribers {
  readonly #byChannel = new Map<string, Set<Subscriber>>();

  get channels(): string[] {
    return [...this.#byChannel.keys()];
  }

  add(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#byChannel.get(channel);
    if (subscribers === undefined) this.#byChannel.set(channel, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  /** Tells whether nobody listens to the channel any more. */
  remove(channel: string, subscriber: Subscriber): boolean {
    const subscribers = this.#byChannel.get(channel);
    if (subscribers === undefined || !subscribers.delete(subscriber) || subscribers.size > 0) return false;
    return this.#byChannel.delete(channel);
  }

  notify(channel: string, payload: string): void {
    for (const subscriber of this.#byChannel.get(channel) ?? []) subscriber.onNotification(payload);
  }

  /** Notifications may have been missed, on any channel. */
  announceGap(): void {
    for (const subscribers of this.#byChannel.values()) {
      for (const subscriber of subscribers) subscriber.onGap();
    }
  }
}

export interface Subscriber {
  readonly onNotification: (payload: string) => void;
  readonly onGap: () => void;
}
