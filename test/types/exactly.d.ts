type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `exactly<T>()(value)` compiles only where the value's type is T, neither wider nor narrower. */
export declare function exactly<Expected>(): <Actual>(value: Actual, ...proof: Same<Expected, Actual> extends true ? [] : [never]) => void
