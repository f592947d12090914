// A place in a text that identifies, and what it is.
export interface TextSpan {
  start: number;
  end: number;
  type: string;
}
