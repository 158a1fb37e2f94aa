// A long-lived CSAF 2.0 validator: one JSON document a line in, one verdict a line out.
// Importing the library takes seconds, validating a document less than a millisecond.
import { createInterface } from 'node:readline'
import validate from '@secvisogram/csaf-validator-lib/validate.js'
import * as mandatory from '@secvisogram/csaf-validator-lib/mandatoryTests.js'
import { csaf_2_0_strict as schema } from '@secvisogram/csaf-validator-lib/schemaTests.js'

const tests = [schema, ...Object.values(mandatory)]
for await (const line of createInterface({ input: process.stdin })) {
  const { isValid, tests: results } = await validate(tests, JSON.parse(line))
  const failed = results.filter((each) => !each.isValid).map((each) => ({ name: each.name, errors: each.errors }))
  process.stdout.write(JSON.stringify({ valid: isValid, tests: results.length, failed }) + '\n')
}
