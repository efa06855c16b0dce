// Package browser has no code but its tests: a real browser, headless Chromium, opens the pages that people see, presses keys, and has
// axe-core look for barriers. `make browser` runs them, and leaves screenshots in build/screenshots. All traffic stays on loopback.
package browser
