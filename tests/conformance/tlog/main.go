// A verifier that shares no code with Leadtime: golang.org/x/mod/sumdb/tlog and note (the Go checksum database's own).
//
// Usage: tlog DIR VKEY WITNESS_VKEY PROOFS.json EARLIER_CHECKPOINT...
// It opens DIR/checkpoint, rebuilds every leaf from the entry bundles, proves each through the hash tiles, proves the tree
// grown from each earlier checkpoint, and checks the proofs that Leadtime made. Exits with 1 and one line if any fails.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// cosigner verifies c2sp.org/tlog-cosignature v1, which package note does not know.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig[:8])
	return ed25519.Verify(c.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", seconds, msg)), sig[8:])
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		return nil, fmt.Errorf("not a cosigner's key: %s", vkey)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	if hash, err := strconv.ParseUint(parts[1], 16, 32); err != nil || uint32(hash) != binary.BigEndian.Uint32(sum[:4]) {
		return nil, fmt.Errorf("a cosigner's key has another's id: %s", vkey)
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), raw[1:]}, nil
}

// place reads tiles; tlog names their height (tile/8/0/000), C2SP does not (tile/0/000).
type place string

func (p place) Height() int                      { return 8 }
func (p place) SaveTiles([]tlog.Tile, [][]byte)  {}
func (p place) read(path string) ([]byte, error) { return os.ReadFile(filepath.Join(string(p), path)) }
func (p place) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := p.read("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (p place) entries(size int64) ([][]byte, error) {
	var entries [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		path := tlog.Tile{H: 8, L: 0, N: n, W: int(width)}.Path()
		data, err := p.read("tile/entries/" + strings.TrimPrefix(path, "tile/8/0/"))
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			entries = append(entries, data[2:2+length])
			data = data[2+length:]
		}
	}
	return entries, nil
}

type proofs struct {
	Inclusion []struct {
		Index int64
		Path  []tlog.Hash
	}
	Consistency []struct {
		Old  int64
		Root tlog.Hash
		Path []tlog.Hash
	}
}

func fail(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func open(raw []byte, keys note.Verifiers) (tlog.Tree, *note.Note) {
	opened, err := note.Open(raw, keys)
	fail(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	root, err := tlog.ParseHash(lines[2])
	fail(err)
	return tlog.Tree{N: size, Hash: root}, opened
}

func main() {
	dir := place(os.Args[1])
	log, err := note.NewVerifier(os.Args[2])
	fail(err)
	witness, err := newCosigner(os.Args[3])
	fail(err)
	keys := note.VerifierList(log, witness)

	raw, err := dir.read("checkpoint")
	fail(err)
	tree, opened := open(raw, keys)
	hashes := tlog.TileHashReader(tree, dir)
	entries, err := dir.entries(tree.N)
	fail(err)
	if int64(len(entries)) != tree.N {
		fail(fmt.Errorf("%d entries for %d leaves", len(entries), tree.N))
	}
	for index, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(index), hashes)
		fail(err)
		fail(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}
	for _, path := range os.Args[5:] {
		raw, err := os.ReadFile(path)
		fail(err)
		earlier, _ := open(raw, keys)
		proof, err := tlog.ProveTree(tree.N, earlier.N, hashes)
		fail(err)
		fail(tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash))
	}

	var ours proofs
	raw, err = os.ReadFile(os.Args[4])
	fail(err)
	fail(json.Unmarshal(raw, &ours))
	for _, each := range ours.Inclusion {
		fail(tlog.CheckRecord(each.Path, tree.N, tree.Hash, each.Index, tlog.RecordHash(entries[each.Index])))
	}
	for _, each := range ours.Consistency {
		fail(tlog.CheckTree(each.Path, tree.N, tree.Hash, each.Old, each.Root))
	}
	fmt.Printf("%d leaves, %d signatures, %d earlier, %d+%d proofs\n",
		tree.N, len(opened.Sigs), len(os.Args[5:]), len(ours.Inclusion), len(ours.Consistency))
}
