/**
 * The ipywidgets protocol over an abstract comm; the budget panel and the live monitor.
 *
 * <p>May use: render, budget, remedy, memory.
 */
package io.headroom.widget;
