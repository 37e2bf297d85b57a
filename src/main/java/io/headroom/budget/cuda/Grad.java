package io.headroom.budget.cuda;

/** A gradient on its way: a view of another tensor keeps its base, so autograd cannot add into it in place. */
record Grad(Memory memory, boolean view) {}
