// SPDX-License-Identifier: Apache-2.0
//! C++ objects that the engine calls back.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use cxx::SharedPtr;
use cxx::memory::SharedPtrTarget;

/// A shared C++ object within a function or node of the engine's, which is known by what else it holds: all callbacks are equal.
pub struct Callback<T: SharedPtrTarget>(SharedPtr<T>);

// C++ promises that every object which it hands over for calling back may be called from any thread.
unsafe impl<T: SharedPtrTarget> Send for Callback<T> {}
unsafe impl<T: SharedPtrTarget> Sync for Callback<T> {}

impl<T: SharedPtrTarget> Callback<T> {
    pub fn new(object: SharedPtr<T>) -> Self {
        Self(object)
    }
}

impl<T: SharedPtrTarget> Deref for Callback<T> {
    type Target = SharedPtr<T>;
    fn deref(&self) -> &SharedPtr<T> {
        &self.0
    }
}

impl<T: SharedPtrTarget> Clone for Callback<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: SharedPtrTarget> fmt::Debug for Callback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

impl<T: SharedPtrTarget> PartialEq for Callback<T> {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}
impl<T: SharedPtrTarget> Eq for Callback<T> {}
impl<T: SharedPtrTarget> Hash for Callback<T> {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}
