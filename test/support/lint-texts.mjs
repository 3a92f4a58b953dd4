// Lints texts as if they were the content of files, with the project's own configuration.
// stdin: JSON [[file, text], …]; stdout: JSON, the messages of each as [rule, message].
import { text } from 'node:stream/consumers'
import { ESLint } from 'eslint'

// The types of a text that differs from the file are known only to a program that may change.
process.env.TSESTREE_SINGLE_RUN = 'false'
const eslint = new ESLint()
const found = []
for (const [file, content] of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(content, { filePath: file })
  found.push(result.messages.map(({ ruleId, message }) => [ruleId, message]))
}
console.log(JSON.stringify(found))
