// What the search for text takes and gives; the port of the same shape is FindText of the de-identification.

/** Rows of brightness, one byte a pixel. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface FoundWord {
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
  readonly left: number;
  readonly top: number;
  /** Just outside. */
  readonly right: number;
  readonly bottom: number;
}
