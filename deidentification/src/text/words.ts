// Where words end: shared by all that look for whole words.
const wordCharacter = /[\p{L}\p{N}]/u;

/** A letter, digit or placeholder bracket: what must not touch a name. */
export function continues(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false;
  const code = text.charCodeAt(at);
  if (code < 128)
    return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 91 || code === 93;
  return wordCharacter.test(text.charAt(at));
}
