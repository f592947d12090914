// The statements inside the two functions have one good plan. Left to itself PostgreSQL plans them anew for each small commit, because an array
// of one looks cheaper than the ten it assumes: 20 plans, several milliseconds of CPU.
export const keptPlansSql = `
alter function limen_commit set plan_cache_mode = force_generic_plan;
alter function limen_index set plan_cache_mode = force_generic_plan;
`;
