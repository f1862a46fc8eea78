package shop

import (
	"maps"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

const roleAdmin = "admin"

// accounts are the people who can log in. Passwords that they change last as long as the program.
type accounts struct {
	nobody account // takes as long to check as anybody
	mu     sync.RWMutex
	byName map[string]account
}

type account struct{ role, hash string }

func demoAccounts() *accounts {
	return &accounts{
		byName: map[string]account{
			"user1": {"user", "$2a$10$IM8SNxNexLxBtvv6T1GWGOYFOlZtHnKA4M.7lHVQSCRqqOwAVByJq"},
			"user2": {"user", "$2a$10$2541MRFwzlA7XcfdITs0ceInAsmyHEC/aK3WVoo4CFIdyB0aYBThi"},
			"admin": {roleAdmin, "$2a$10$7BtuKRDOk8kLbmV/Lc4vKeNNaF63bGpx55N31HPyyNzB4mHG.IVI."},
		},
		nobody: account{"", "$2a$10$nG.bfosop1eP5FWqjwhlAe2O3Of.ALxyLNO4VZlQnHUjf8XR221de"},
	}
}

// all returns the accounts by name.
func (a *accounts) all() map[string]account {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return maps.Clone(a.byName)
}

func (a *accounts) find(name string) (who account, known bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	who, known = a.byName[name]
	return who, known
}

func (a *accounts) role(name string) string {
	who, _ := a.find(name)
	return who.role
}

// check says whether it is that user's password. Names that nobody has take as long as wrong passwords.
func (a *accounts) check(name, password string) bool {
	who, known := a.find(name)
	if !known {
		who = a.nobody
	}
	right := bcrypt.CompareHashAndPassword([]byte(who.hash), []byte(password)) == nil
	return known && right
}

// change gives somebody who has an account another password, of at most 72 bytes.
func (a *accounts) change(name, password string) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byName[name] = account{a.byName[name].role, string(hash)}
	return nil
}
