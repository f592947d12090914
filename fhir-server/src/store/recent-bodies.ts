// Texts of versions that were read lately: a version never changes, and to inflate it again costs more than the rest of its way out.

/** Keeps so many characters; the oldest go first. */
export class RecentBodies {
  private readonly texts = new Map<string, string>();
  private readonly maximum: number;
  private kept = 0;

  constructor(maximumCharacters: number) {
    this.maximum = maximumCharacters;
  }

  /** The text of a version, made when it is not among the recent ones. */
  of(rid: string, version: number, make: () => string): string {
    const key = `${rid}/${version}`;
    const known = this.texts.get(key);
    if (known !== undefined) {
      // Read again: the youngest now.
      this.texts.delete(key);
      this.texts.set(key, known);
      return known;
    }
    const text = make();
    // One large document must not push everything else out.
    if (text.length > this.maximum / 16) return text;
    this.texts.set(key, text);
    this.kept += text.length;
    for (const [oldest, body] of this.texts) {
      if (this.kept <= this.maximum) break;
      this.texts.delete(oldest);
      this.kept -= body.length;
    }
    return text;
  }
}
