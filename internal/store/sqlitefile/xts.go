package sqlitefile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// A sectorCipher is XTS-AES-256 (IEEE 1619, NIST SP 800-38E) over sectors of
// [sectorSize] bytes. It is what golang.org/x/crypto/xts computes, with a
// sector's tweaks made first and applied as one: there a block's tweak is
// doubled and applied byte by byte, which takes several times as long as AES.
type sectorCipher struct {
	data, tweak cipher.Block
	tweaks      [sectorSize]byte
}

// newSectorCipher takes a key of [KeySize] bytes: one for the data, then one
// for the tweaks.
func newSectorCipher(key []byte) (*sectorCipher, error) {
	if len(key) != KeySize {
		return nil, aes.KeySizeError(len(key))
	}
	data, err := aes.NewCipher(key[:KeySize/2])
	if err != nil {
		return nil, err
	}
	tweak, err := aes.NewCipher(key[KeySize/2:])
	return &sectorCipher{data: data, tweak: tweak}, err
}

// prepare makes the tweaks of a sector: that of its number, encrypted, and then
// each the one before times x in GF(2^128).
func (c *sectorCipher) prepare(number uint64) {
	first := c.tweaks[:aes.BlockSize]
	clear(first)
	binary.LittleEndian.PutUint64(first, number)
	c.tweak.Encrypt(first, first)
	low, high := binary.LittleEndian.Uint64(first), binary.LittleEndian.Uint64(first[8:])
	for at := aes.BlockSize; at < sectorSize; at += aes.BlockSize {
		carry := high >> 63
		high = high<<1 | low>>63
		low = low<<1 ^ carry*0x87 // x^128 = x^7 + x^2 + x + 1
		binary.LittleEndian.PutUint64(c.tweaks[at:], low)
		binary.LittleEndian.PutUint64(c.tweaks[at+8:], high)
	}
}

// encrypt encrypts a sector in place.
func (c *sectorCipher) encrypt(sector []byte, number uint64) {
	sector = sector[:sectorSize]
	c.prepare(number)
	subtle.XORBytes(sector, sector, c.tweaks[:])
	for at := 0; at < sectorSize; at += aes.BlockSize {
		block := sector[at : at+aes.BlockSize]
		c.data.Encrypt(block, block)
	}
	subtle.XORBytes(sector, sector, c.tweaks[:])
}

// decrypt undoes encrypt.
func (c *sectorCipher) decrypt(sector []byte, number uint64) {
	sector = sector[:sectorSize]
	c.prepare(number)
	subtle.XORBytes(sector, sector, c.tweaks[:])
	for at := 0; at < sectorSize; at += aes.BlockSize {
		block := sector[at : at+aes.BlockSize]
		c.data.Decrypt(block, block)
	}
	subtle.XORBytes(sector, sector, c.tweaks[:])
}
