// Where and when a comment crosses the stage, so that comments do not cover one another. All scroll at one speed, so none
// overtakes another in its lane; a lane is free for the next as soon as the whole comment has come in. Lengths are in
// rpx (the stage is 750 wide), times in milliseconds.

const STAGE_WIDTH = 750
const FONT_SIZE = 36       // as in wall.wxss
const GAP = 60
const SPEED = 0.16         // rpx a millisecond
const STAY = 4000          // what stands at the top or bottom stays for this long
const LONGEST_DELAY = 3000

const COUNTS = { scroll: 8, top: 3, bottom: 3 }

function widthOf(text) {
  return Array.from(text).reduce((width, character) => width + (character > '\u00ff' ? 1 : 0.6) * FONT_SIZE, 0)
}

class Lanes {
  constructor() {
    this.freeAt = {}
    Object.keys(COUNTS).forEach(position => {
      this.freeAt[position] = new Array(COUNTS[position]).fill(0)
    })
  }

  // { lane, delay, duration }, or null: every lane is taken for longer than anyone would wait.
  place(position, text, now) {
    const freeAt = this.freeAt[position]
    const lane = freeAt.indexOf(Math.min.apply(null, freeAt))
    const start = Math.max(now, freeAt[lane])
    if (start - now > LONGEST_DELAY) return null
    const width = widthOf(text)
    const duration = position === 'scroll' ? Math.round((STAGE_WIDTH + width) / SPEED) : STAY
    freeAt[lane] = start + (position === 'scroll' ? (width + GAP) / SPEED : STAY)
    return { lane, delay: Math.round(start - now), duration }
  }
}

module.exports = { Lanes, positions: Object.keys(COUNTS) }
