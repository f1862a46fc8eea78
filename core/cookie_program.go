package session

import (
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// programCookie is the cookie's name in development when the application gives none. Ports do not separate cookies
// (RFC 6265 §8.5), so programs that run on one host would log each other out if they had one name.
func programCookie() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	folder, _ := os.Getwd() // "" will do
	return strings.TrimRight(defaultName+"-"+programName(info.Main.Path, info.Path, folder), "-")
}

// programName tells a program by its module and package, or by the working directory if the go command was given
// files instead of a package. It is the same after a restart, and made of characters that a cookie's name may have.
func programName(module, pkg, folder string) string {
	name := lastName(strings.TrimSuffix(pkg, ".test"))
	if project := lastName(module); project != name {
		name = project + "-" + name
	}
	if pkg == "" || pkg == "main" || pkg == "command-line-arguments" {
		name = filepath.Base(folder)
	}
	name = strings.Map(func(c rune) rune {
		if strings.ContainsRune(nameAlphabet, c) {
			return c
		}
		return '-'
	}, name)
	return strings.Trim(name[max(0, len(name)-maxProgram):], "-.")
}

const maxProgram = 40

// lastName returns the last part of an import path that is no major version.
func lastName(importPath string) string {
	last := path.Base(importPath)
	if digits, ok := strings.CutPrefix(last, "v"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
		last = path.Base(path.Dir(importPath))
	}
	return last
}
