package forgetest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// User makes a user with a name that starts with the given one.
func (f *Forge) User(name string) User {
	f.t.Helper()
	u := User{Name: unique(name), password: unique("password"), forge: f}
	f.Must(f.Admin, http.MethodPost, "/admin/users", map[string]any{
		"username": u.Name, "email": u.Name + "@forge.example", "password": u.password, "must_change_password": false,
	}, nil)
	return u
}

// User is an account without rights, until a repository allows it something.
type User struct {
	Name string

	password string
	forge    *Forge
}

// Login makes a token with the given scopes ("read:repository",
// "write:package", ...; see Gitea's documentation).
func (u User) Login(scopes ...string) Login {
	u.forge.t.Helper()
	var token struct {
		Value string `json:"sha1"`
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Name+":"+u.password))
	form := map[string]any{"name": unique("token"), "scopes": scopes}
	if status, text := u.forge.call(basic, http.MethodPost, "/users/"+u.Name+"/tokens", form, &token); status/100 != 2 {
		u.forge.t.Fatalf("token of %s with %q: status %d: %s", u.Name, scopes, status, text)
	}
	return Login{User: u.Name, Token: token.Value}
}

// Organization makes an organisation with a name that starts with the given
// one, and gives its name. The owners may do everything in it.
func (f *Forge) Organization(name string, owners ...User) string {
	f.t.Helper()
	made := unique(name)
	f.Must(f.Admin, http.MethodPost, "/orgs", map[string]any{"username": made}, nil)
	var teams []struct {
		ID json.Number
	}
	f.Must(f.Admin, http.MethodGet, "/orgs/"+made+"/teams", nil, &teams)
	for _, owner := range owners {
		f.Must(f.Admin, http.MethodPut, "/teams/"+teams[0].ID.String()+"/members/"+owner.Name, nil, nil)
	}
	return made
}
