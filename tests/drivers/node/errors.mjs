// Errors that the drivers of all languages know.

/** The registered error. */
export class OutOfStock extends Error {
  static wireName = 'conf.OutOfStock';

  constructor(item, left) {
    super(`${item}: ${left} left`);
    this.item = item;
    this.left = left;
  }
}

/** An error that goes by the name `type`. */
export function errorOfType(type, message) {
  if (type === OutOfStock.wireName) {
    return new OutOfStock(message, 1);
  }
  const error = new (class extends Error {})(message);
  error.name = type;
  return error;
}
