// What the tests use of dcmjs, which has no types of its own.
declare module 'dcmjs' {
  type Tags = { [tag: string]: { vr: string; Value: unknown[] } };
  interface Written {
    dict: Tags;
    write(options?: object): ArrayBuffer;
  }
  const dcmjs: {
    log: { setLevel(level: string): void };
    data: {
      DicomDict: new (meta: Tags) => Written;
      DicomMessage: { readFile(bytes: ArrayBuffer, options?: object): { meta: Tags; dict: Tags } };
    };
  };
  export default dcmjs;
}
