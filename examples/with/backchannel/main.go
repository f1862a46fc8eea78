// Backchannel logs people in at an OpenID Connect provider, and out when that says so, from server to server.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"log"
	"net/http"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const pendingLogin session.Key[string] = "login" // the state and nonce of a login that is under way

func main() {
	provider, err := oidc.NewProvider(context.Background(), os.Getenv("ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // gives the room of expired sessions back
	a := &app{
		sessions: sessions, verifier: provider.Verifier(&oidc.Config{ClientID: os.Getenv("CLIENT_ID")}),
		config: oauth2.Config{
			ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET"), Endpoint: provider.Endpoint(),
			RedirectURL: "http://localhost:8080/callback", Scopes: []string{oidc.ScopeOpenID},
		},
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", a.site()))
}

type app struct {
	sessions *session.Manager
	verifier *oidc.IDTokenVerifier
	config   oauth2.Config
}

func (a *app) site() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("Hello " + cmp.Or(httpsession.From(r).Subject(), "stranger")))
	})
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /backchannel-logout", a.backchannelLogout) // register it as backchannel_logout_uri
	return httpsession.Middleware(a.sessions)(mux)
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	secret := rand.Text()
	pendingLogin.Set(httpsession.From(r), secret)
	http.Redirect(w, r, a.config.AuthCodeURL(secret, oidc.Nonce(secret)), http.StatusSeeOther)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	s := httpsession.From(r)
	secret, _ := pendingLogin.Pop(s)
	if secret == "" || r.FormValue("state") != secret {
		http.Error(w, "this login was not begun here", http.StatusBadRequest)
		return
	}
	token, err := a.idToken(r.Context(), r.FormValue("code"))
	var claims struct {
		SessionID string `json:"sid"`
	}
	if err == nil {
		err = token.Claims(&claims)
	}
	if err != nil || token.Nonce != secret {
		http.Error(w, "the login has failed", http.StatusForbidden)
		return
	}
	if claims.SessionID == "" { // not every provider has one
		s.Login(subjectOf(token.Issuer, token.Subject))
	} else {
		s.Login(subjectOf(token.Issuer, token.Subject), session.Label(labelOf(token.Issuer, claims.SessionID)))
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *app) idToken(ctx context.Context, code string) (*oidc.IDToken, error) {
	answer, err := a.config.Exchange(ctx, code)
	if err != nil {
		return nil, err
	}
	raw, _ := answer.Extra("id_token").(string)
	return a.verifier.Verify(ctx, raw)
}
