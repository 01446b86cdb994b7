package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// querySum is the part of a page token that tells which search it is of.
const querySum = 8

// makeToken makes a page token of a search and the place of the page's last
// record.
func makeToken(query string, place []byte) string {
	sum := sha256.Sum256([]byte(query))
	return base64.RawURLEncoding.EncodeToString(append(sum[:querySum:querySum], place...))
}

// readToken returns the place in a page token. Invalid (field page_token): it
// is none, or not one of this search.
func readToken(query, token string) (place []byte, err error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < querySum {
		return nil, record.Invalid.Errorf("page_token", "Invalid page token, could not base64-decode: %s is not one that this server gave", record.Quote(token))
	}
	sum := sha256.Sum256([]byte(query))
	if !bytes.Equal(b[:querySum], sum[:querySum]) {
		return nil, record.Invalid.Errorf("page_token", "Invalid page token: %s belongs to another search; the filter, the order and the experiments must stay the same from page to page", record.Quote(token))
	}
	return b[querySum:], nil
}

func badPlace(token string) error {
	return record.Invalid.Errorf("page_token", "Invalid page token: %s is not one that this server gave", record.Quote(token))
}

// queryText is what must be the same from page to page.
func queryText(what string, project *int64, models []int64, view View, e filter.Expr, order []filter.Order, more any) string {
	return fmt.Sprint(what, deref(project), project == nil, uniq(models), view, filter.String(e), order, more)
}
