package record

// File is what is known of a file: the path under which clients see it, and
// where its bytes are.
type File struct {
	Path    string
	Object  Object
	Size    int64
	SHA256  [32]byte
	Changed int64 // when it was written last, milliseconds, UTC
}

// Object is where the bytes of a file are. It never has other bytes.
type Object struct {
	Store string // empty: the server's folder
	Key   string
}

// FileEntry is an element of a listing: a file or a folder.
type FileEntry struct {
	Path   string // whole
	Folder bool
	Size   int64 // of a file
}
