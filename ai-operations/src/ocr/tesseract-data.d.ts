// Where the package keeps the data of the language; it has no types of its own.
declare module '@tesseract.js-data/eng' {
  const english: { readonly code: string; readonly gzip: boolean; readonly langPath: string };
  export default english;
}
