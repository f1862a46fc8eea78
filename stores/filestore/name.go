package filestore

import (
	"crypto/sha256"
	"encoding/hex"
)

const shardCount = 256

// name is what an id or a subject is called on disk. Hex in lower case stays apart also where the file system ignores
// case, and a hash keeps ids and subjects out of directory listings.
type name [sha256.Size]byte

func nameOf[T string | []byte](of T) name { return sha256.Sum256([]byte(of)) }

// parseName reads what String wrote.
func parseName(s string) (n name, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(n) {
		return name{}, false
	}
	n = name(b)
	return n, n.String() == s // upper case is not ours
}

func (n name) String() string { return hex.EncodeToString(n[:]) }
func (n name) shard() string  { return hex.EncodeToString(n[:1]) }
func (n name) file() string   { return hex.EncodeToString(n[1:]) }
func (n name) path() string   { return n.shard() + "/" + n.file() }
