/**
 * Values to MIME bundles: text, HTML that survives sanitizing, figures for JupyterLab.
 *
 * <p>May use: the rooms of the values.
 */
package io.headroom.render;
