import 'reflect-metadata';

/**
 * Makes a method that stands in front of another one look like it: guards, pipes, Swagger and other decorators keep their
 * metadata on the function, and would lose it.
 */
export function takeOver(
  descriptor: Omit<PropertyDescriptor, 'value'> & { readonly value: object },
  original: object,
): PropertyDescriptor {
  const { value } = descriptor;
  for (const key of Reflect.getOwnMetadataKeys(original) as (string | symbol)[]) {
    const metadata: unknown = Reflect.getOwnMetadata(key, original);
    Reflect.defineMetadata(key, metadata, value);
  }
  for (const key of ['name', 'length']) {
    const own = Object.getOwnPropertyDescriptor(original, key);
    if (own !== undefined) Object.defineProperty(value, key, own);
  }
  return descriptor;
}
