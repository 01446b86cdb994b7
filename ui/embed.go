// Package ui carries the pages that a browser shows. They are built from the
// other files of this folder by "npm run build", and what it writes is kept in
// the repository, so that building the server needs Go alone.
package ui

import "embed"

// Dist holds the built pages below "dist": docs/index.html, redoc/index.html,
// and in assets/ what they load. An asset is stored compressed, as NAME.gz, and
// its NAME holds a hash of the stored bytes; notices of licences are plain.
//
//go:embed all:dist
var Dist embed.FS
