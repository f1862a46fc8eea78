package main

import "net/http"

// backchannelLogout is how the provider tells that somebody has logged out there (OpenID Connect Back-Channel Logout
// 1.0). It names its own session, which is a label here, or else the subject. No browser and no cookie are part of it.
func (a *app) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	token, err := a.verifier.VerifyLogout(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		http.Error(w, "this is no valid logout token", http.StatusBadRequest)
		return
	}
	if token.SessionID != "" {
		_, err = a.sessions.RevokeLabel(r.Context(), labelOf(token.Issuer, token.SessionID))
	} else {
		_, err = a.sessions.RevokeAll(r.Context(), subjectOf(token.Issuer, token.Subject))
	}
	if err != nil { // the provider may try again
		http.Error(w, "the sessions could not be ended", http.StatusBadRequest)
	}
}

// labelOf is what the sessions here have in common that belong to one session at the provider.
func labelOf(issuer, sessionID string) string { return "oidc:" + issuer + "#" + sessionID }

func subjectOf(issuer, subject string) string { return "oidc:" + issuer + "|" + subject }
