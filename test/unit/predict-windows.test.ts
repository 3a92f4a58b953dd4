import { cutRows, windowsOf, type TokenRow } from '../../lib/predict/windows'
import { randomNumbers } from '../support/random'

const SPECIAL = { before: 1, after: 2 }

/** Content tokens count from 0, special ones are negative. */
function row(content: number): TokenRow {
  return { ids: Int32Array.from([-1, ...Array.from({ length: content }, (_, i) => i), -2, -3]), ...SPECIAL }
}

describe('windows', () => {
  test.each([
    ['a text that fits', 5, 5, 2, [[0, 5]]],
    ['no token at all', 0, 5, 2, [[0, 0]]],
    ['one token too many: the last is moved back', 6, 5, 2, [[0, 5], [1, 6]]], // prettier-ignore
    ['steps of size minus stride', 11, 5, 2, [[0, 5], [3, 8], [6, 11]]], // prettier-ignore
    ['nothing shared', 10, 5, 0, [[0, 5], [5, 10]]], // prettier-ignore
    ['nothing shared but at the end', 12, 5, 0, [[0, 5], [5, 10], [7, 12]]], // prettier-ignore
    ['all but one shared', 7, 5, 4, [[0, 5], [1, 6], [2, 7]]], // prettier-ignore
  ])('%s', (_name, length, size, stride, expected) => {
    expect(windowsOf(length, size, stride).map(({ start, end }) => [start, end])).toEqual(expected)
  })

  test('every token once, from the window whose middle is nearest, between special tokens of their own', () => {
    const random = randomNumbers(5)
    const below = (limit: number) => Math.floor(random() * limit)
    for (let round = 0; round < 60; round++) {
      const maxLength = 4 + below(12)
      const size = maxLength - 3
      const stride = below(size)
      const rows = Array.from({ length: 1 + below(4) }, () => row(below(40)))
      const { ids, offsets, textOf, firstRow, places } = cutRows(rows, maxLength, stride)
      const windows = textOf.map((text, i) => ({ text, ids: [...ids.subarray(offsets[i], offsets[i + 1])] }))
      for (const { ids: inWindow } of windows) {
        expect(inWindow.length).toBeLessThanOrEqual(maxLength)
        expect([inWindow[0], ...inWindow.slice(-2)]).toEqual([-1, -2, -3])
      }
      rows.forEach(({ ids: whole }, text) => {
        const own = windows.flatMap((window, i) => (window.text === text ? [i] : []))
        expect(firstRow[text]).toBe(own[0])
        expect(Array.from(places[text]!, (place) => ids[place])).toEqual([...whole])
        const rowAt = (place: number) => offsets.findLastIndex((offset) => offset <= place)
        expect(rowAt(places[text]![0]!)).toBe(own[0])
        expect(rowAt(places[text]!.at(-1)!)).toBe(own.at(-1))
        const wrong = [...whole.keys()].slice(1, -2).filter((token) => {
          const distance = (window: number) => Math.abs(windows[window]!.ids.indexOf(whole[token]!) - (windows[window]!.ids.length - 2) / 2)
          const having = own.filter((window) => windows[window]!.ids.includes(whole[token]!))
          return distance(rowAt(places[text]![token]!)) > Math.min(...having.map(distance))
        })
        expect(wrong).toEqual([])
      })
    }
  })

  test('without a stride: the first window alone', () => {
    const { ids, offsets, textOf, firstRow, places } = cutRows([row(9), row(1)], 5, undefined)
    expect([...ids]).toEqual([-1, 0, 1, -2, -3, -1, 0, -2, -3])
    expect({ offsets: [...offsets], textOf, firstRow, places }).toEqual({
      offsets: [0, 5, 9],
      textOf: [0, 1],
      firstRow: [0, 1],
      places: [],
    })
  })
})
