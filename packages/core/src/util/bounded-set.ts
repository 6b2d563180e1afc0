/** A set that forgets what was added to it first, once there is more than that of it. */
export class BoundedSet<T> extends Set<T> {
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    super();
    this.#sizeMax = sizeMax;
  }

  override add(value: T): this {
    super.add(value);
    const [first] = this;
    if (this.size > this.#sizeMax) this.delete(first as T);
    return this;
  }
}
