// The parts of which names in a text are made, as pieces of regular expressions (flag u).
export const token = String.raw`\p{Lu}[\p{L}\p{M}]*(?:['’-]\p{Lu}?[\p{L}\p{M}]+){0,3}`;
export const initial = String.raw`\p{Lu}\.`;
export const particle = String.raw`(?:[Dd][aeiou]s?|del|della|den|der|van|von|ter|la|le|bin|ibn|al|el|af|av|St\.)`;
const piece = `(?:${initial}|${token})`;
export const full = String.raw`${piece}(?:[ \t]{1,12}(?:${particle}[ \t]{1,12}){0,2}${piece}){0,3}`;
export const credential = String.raw`(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|PA-?C?|NP|APRN|CRNA|LPN|Ph\.?D\.?|DPM|DDS|PharmD|LCSW|PT|MS|BSN|FACS|MBBS|CNM|FNP(?:-C)?)`;
