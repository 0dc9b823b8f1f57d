//go:build !linux

package main

// largePages prepares the heap for reading, where the kernel can be asked to.
func largePages() {}
