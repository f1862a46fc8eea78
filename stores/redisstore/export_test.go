package redisstore

// Permissions are what a user of Redis needs.
const Permissions = permissions
