// The part of @lhncbc/ucum-lhc 7 that this folder uses; the package ships no types.
declare module '@lhncbc/ucum-lhc' {
  export class UcumLhcUtils {
    static getInstance(): UcumLhcUtils;
    validateUnitString(text: string): {
      readonly status: 'valid' | 'invalid' | 'error';
      readonly ucumCode: string | null;
      readonly unit?: { readonly name: string } | null;
    };
  }
}
