// Reads an AsyncAPI document from standard input; prints what its own parser finds wrong.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const wrong = diagnostics.filter((found) => found.severity < 2); // errors, warnings
for (const { path, message, severity } of wrong) {
  console.log(`${severity} ${path.join(".")}: ${message}`);
}
if (document) console.log(`${document.operations().all().length} operations`);
process.exitCode = document && !wrong.length ? 0 : 1;
