package session_test

import (
	"context"
	"fmt"
	"log"

	session "github.com/coatcheck/coatcheck/core"
)

func ExampleManager_Edit() {
	const role session.Key[string] = "role"
	sessions := inMemory(session.Options{})
	b := browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42"); role.Set(s, "admin") })

	// The role is taken away while its owner is logged in.
	edited, err := sessions.Edit(context.Background(), "user:42", func(s *session.Session) { role.Set(s, "user") })
	fmt.Println(edited, err)
	b.visit(sessions, func(s *session.Session) { fmt.Println(role.Get(s)) })
	// Output:
	// 1 <nil>
	// user
}

func ExampleManager_All() {
	sessions := inMemory(session.Options{})
	for range 3 {
		browser{}.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	}
	bySubject := map[string]int{}
	for info, err := range sessions.All(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		bySubject[info.Subject]++
	}
	fmt.Println(bySubject)
	// Output: map[user:42:3]
}

func ExampleManager_RevokeEverybody() {
	sessions := inMemory(session.Options{})
	b := browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	ended, err := sessions.RevokeEverybody(context.Background())
	fmt.Println(ended, err)
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Exists()) })
	live, err := sessions.Count(context.Background())
	fmt.Println(live, err)
	// Output:
	// 1 <nil>
	// false
	// 0 <nil>
}
