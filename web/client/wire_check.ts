// commands.ts is written by hand, with finer types than the wire has ("held" | "paid" for
// a text); here the compiler holds it to wire.ts. An error below names a method that asks
// what the server does not take, or expects what it does not answer.
import type { Changes, Reads } from "./commands.ts";
import type { Calls } from "./wire.ts";

type Key = { key: string };
type Some<T> = Exclude<T, null | undefined>;

// What may be absent there may be absent here.
type Absent<Here, There> =
  | (null extends There ? (null extends Here ? true : false) : true)
  | (undefined extends There ? (undefined extends Here ? true : false) : true);

// Every field that must be here is there, and what it holds is comparable.
type Holds<Here, There> = [There] extends [Here]
  ? true
  : Here extends readonly (infer A)[]
    ? There extends readonly (infer B)[]
      ? Holds<A, B>
      : false
    : Here extends object
      ? string extends keyof Here
        ? true
        : {
            [F in keyof Here]-?: F extends keyof There
              ? Absent<Here[F], There[F]> | Holds<Some<Here[F]>, Some<There[F]>>
              : {} extends Pick<Here, F>
                ? true // the page's own
                : false;
          }[keyof Here]
      : [Here] extends [There]
        ? true
        : false;

type Wrong<T extends Record<keyof T, [unknown, unknown]>, More> = {
  [M in keyof T]: M extends keyof Calls
    ? [T[M][0] & More] extends [Calls[M][0]]
      ? false extends Holds<T[M][1], Calls[M][1]>
        ? [M, "answered"]
        : never
      : [M, "asked"]
    : [M, "unknown"];
}[keyof T];

type None<T extends never> = T;
export type Fits = [None<Wrong<Reads, unknown>>, None<Wrong<Changes, Key>>];
