import type {
  Attributes,
  Exception,
  Link,
  Span,
  SpanAttributeValue,
  SpanContext,
  SpanStatus,
  TimeInput,
} from '@opentelemetry/api';

/**
 * The active span of a workflow function. What the function starts hangs on the anchor, which outlives the process; what it
 * says of the current span goes to the bar that is still open, and nowhere during a replay, which would say it again.
 */
export class BodySpan implements Span {
  readonly #anchor: SpanContext;
  readonly #bar: Span;
  readonly #isReplaying: () => boolean;

  constructor(anchor: SpanContext, bar: Span, isReplaying: () => boolean) {
    this.#anchor = anchor;
    this.#bar = bar;
    this.#isReplaying = isReplaying;
  }

  spanContext(): SpanContext {
    return this.#anchor;
  }

  setAttribute(key: string, value: SpanAttributeValue): this {
    this.#bar.setAttribute(key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    this.#bar.setAttributes(attributes);
    return this;
  }

  addEvent(name: string, attributesOrStartTime?: Attributes | TimeInput, startTime?: TimeInput): this {
    if (!this.#isReplaying()) this.#bar.addEvent(name, attributesOrStartTime, startTime);
    return this;
  }

  addLink(link: Link): this {
    if (!this.#isReplaying()) this.#bar.addLink(link);
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.#bar.setStatus(status);
    return this;
  }

  /** Names are the library's: that of the workflow stays low in cardinality. */
  updateName(): this {
    return this;
  }

  /** The engine ends it. */
  end(): void {}

  isRecording(): boolean {
    return this.#bar.isRecording();
  }

  recordException(exception: Exception, time?: TimeInput): void {
    if (!this.#isReplaying()) this.#bar.recordException(exception, time);
  }
}
