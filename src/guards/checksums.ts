/** The check digit of payment cards and of several national ids (ISO/IEC 7812-1): the sum of the digits, every other one doubled. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The check of an IBAN (ISO 13616, ISO 7064 mod 97-10); letters in capitals. */
export function isIbanSum(iban: string): boolean {
  let rest = 0;
  for (const unit of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(unit, 36);
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97;
  }
  return rest === 1;
}

/** ISO 7064 mod 11,10: the German tax number. */
export function isMod11And10(digits: string): boolean {
  let product = 10;
  for (const digit of digits.slice(0, -1)) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
}

/** The weighted sum of the digits by `modulus` is 0. */
export function isWeighted(digits: string, weights: readonly number[], modulus: number): boolean {
  return weights.reduce((sum, weight, index) => sum + weight * Number(digits[index] ?? 0), 0) % modulus === 0;
}
