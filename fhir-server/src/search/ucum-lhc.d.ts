// The part of the package that ucum.ts uses: it ships no types.
declare module '@lhncbc/ucum-lhc' {
  interface Unit {
    readonly magnitude_: number;
    readonly dim_?: { readonly dimVec_?: readonly number[] };
    readonly moleExp_?: number;
    readonly isArbitrary_: boolean;
    /** Name of the conversion function of a special unit. */
    readonly cnv_: string | null;
  }
  interface UcumLhcUtils {
    getSpecifiedUnit(code: string, request: 'validate'): { readonly unit: Unit | null };
  }
  const ucum: { readonly UcumLhcUtils: { getInstance(): UcumLhcUtils } };
  export default ucum;
}
