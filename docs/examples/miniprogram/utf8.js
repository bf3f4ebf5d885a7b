// Text to bytes and back. Mini programs have no TextEncoder that every phone knows.

// The UTF-8 of a string, as an ArrayBuffer.
function encode(text) {
  const escaped = encodeURIComponent(text)
  const bytes = []
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === '%') {
      bytes.push(parseInt(escaped.slice(i + 1, i + 3), 16))
      i += 2
    } else {
      bytes.push(escaped.charCodeAt(i))
    }
  }
  return new Uint8Array(bytes).buffer
}

// Two digits for each byte, with something between them, or before each.
function hex(buffer, before) {
  return Array.from(new Uint8Array(buffer), byte => before + ('0' + byte.toString(16)).slice(-2)).join('')
}

// The string, or null if the bytes are no UTF-8.
function decode(buffer) {
  try {
    return decodeURIComponent(hex(buffer, '%'))
  } catch (error) {
    return null
  }
}

module.exports = { encode, decode, hex }
