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

/** Told of what an SDK throws. */
export type OnTrouble = (error: unknown) => void;

/** A span that never throws; what its SDK throws is told elsewhere. */
export class GuardedSpan implements Span {
  readonly original: Span;
  readonly #onTrouble: OnTrouble;

  constructor(original: Span, onTrouble: OnTrouble) {
    this.original = original;
    this.#onTrouble = onTrouble;
  }

  spanContext(): SpanContext {
    return this.original.spanContext();
  }

  setAttribute(key: string, value: SpanAttributeValue): this {
    return this.#safely(() => this.original.setAttribute(key, value));
  }

  setAttributes(attributes: Attributes): this {
    return this.#safely(() => this.original.setAttributes(attributes));
  }

  addEvent(name: string, attributesOrStartTime?: Attributes | TimeInput, startTime?: TimeInput): this {
    return this.#safely(() => this.original.addEvent(name, attributesOrStartTime, startTime));
  }

  addLink(link: Link): this {
    return this.#safely(() => this.original.addLink(link));
  }

  addLinks(links: Link[]): this {
    return this.#safely(() => this.original.addLinks(links));
  }

  setStatus(status: SpanStatus): this {
    return this.#safely(() => this.original.setStatus(status));
  }

  updateName(name: string): this {
    return this.#safely(() => this.original.updateName(name));
  }

  end(endTime?: TimeInput): void {
    this.#safely(() => this.original.end(endTime));
  }

  isRecording(): boolean {
    return this.original.isRecording();
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.#safely(() => this.original.recordException(exception, time));
  }

  #safely(call: () => unknown): this {
    try {
      call();
    } catch (error) {
      this.#onTrouble(error);
    }
    return this;
  }
}
