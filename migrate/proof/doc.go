// Package proof has the tests of the packages under migrate that run other systems: the libraries, frameworks and
// servers whose sessions are taken over. It is a module of its own so that none of them enters a user's go.mod.
package proof
