// Nothing to do at the start: each page has its own connection, and wsd.js hears by itself when the mini program
// goes to the background and comes back (wx.onAppShow is the same moment as App.onShow).
App({})
