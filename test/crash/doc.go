// Package crash holds the program to its first promise: an answer of success
// to a write means that it is on disk. Its tests run the program as its users
// do, as a process of its own, and take things away from it: the process
// itself, the database, the disk. A journal outside notes every write that was
// acknowledged; afterwards each must be there once, and nothing half.
//
// The program is built by the tests, or is the one that MODELDB_BIN names.
// With -short there are fewer rounds.
package crash
